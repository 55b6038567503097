"""An HTML page as a tree, read with the standard library's parser."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_VOID = {"br", "img", "input", "meta"}


class Node:
    """One element: its tag, attributes, and what is in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.inside: list[Node | str] = []

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def all(self, tag: str = "", **wanted: str) -> list[Node]:
        """Elements within it, in order; `class_` and `data_key` as in the page's own code."""
        return [node for node in self._walk() if tag in ("", node.tag) and node.has(wanted)]

    def one(self, tag: str = "", **wanted: str) -> Node:
        """The only such element."""
        (found,) = self.all(tag, **wanted)
        return found

    def has(self, wanted: dict[str, str]) -> bool:
        """Whether it has these attributes; one of several classes will do."""
        pairs = {key.removesuffix("_").replace("_", "-"): value for key, value in wanted.items()}
        return all(
            value in self.attributes.get(key, "").split()
            if key == "class"
            else self.attributes.get(key) == value
            for key, value in pairs.items()
        )

    def _walk(self) -> Iterator[Node]:
        for one in self.inside:
            if isinstance(one, Node):
                yield one
                yield from one._walk()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read_page(path: Path) -> Node:
    """The page; fails where an element is not ended or ended twice."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == [reader.root], "an element is not ended"
    return reader.root
