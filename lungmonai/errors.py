"""What lungmonai raises, and when.

::

    LungmonaiError            base: says what came, what was wanted, what to do next
    ├── ScanError             a scan that is refused
    │   ├── NotCTError        it is an image, but not a single-channel three-dimensional CT
    │   ├── DamagedError      truncated, oversized, corrupt, or a header that lies
    │   ├── GeometryError     spacing, orientation or slice positions that cannot be trusted
    │   └── SeriesError       a DICOM folder from which no one series can be taken
    ├── WeightsError          a weights file that is refused or missing
    ├── EngineError           a device that this machine does not have, or an engine that it cannot run
    ├── DataError             a table, a datalist or a data set's folder that cannot be used
    ├── SettingsError         an option whose value makes no sense
    └── OutputError           results could not be written
"""

__all__ = [
    "DamagedError",
    "DataError",
    "EngineError",
    "GeometryError",
    "LungmonaiError",
    "NotCTError",
    "OutputError",
    "ScanError",
    "SeriesError",
    "SettingsError",
    "WeightsError",
]


class LungmonaiError(Exception):
    """One line: what came, what was wanted, what to do next.

    Args:
        came: what was found, naming the file or option.
        wanted: what would have been right.
        do: the next step for the person who reads it.
    """

    def __init__(self, came: str, *, wanted: str, do: str) -> None:
        self.came, self.wanted, self.do = came, wanted, do
        super().__init__(f"{came}; wanted {wanted}. {do}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive worker processes otherwise.
        return _rebuild, (type(self), self.came, self.wanted, self.do)


def _rebuild(kind: type[LungmonaiError], came: str, wanted: str, do: str) -> LungmonaiError:
    return kind(came, wanted=wanted, do=do)


class ScanError(LungmonaiError):
    """A scan is refused."""


class NotCTError(ScanError):
    """The file is not a single-channel three-dimensional CT."""


class DamagedError(ScanError):
    """The file is truncated, oversized or corrupt, or its header lies."""


class GeometryError(ScanError):
    """Spacing, orientation or slice positions cannot be trusted."""


class SeriesError(ScanError):
    """No one series can be taken from a DICOM folder."""


class WeightsError(LungmonaiError):
    """A weights file is refused or missing."""


class EngineError(LungmonaiError):
    """This machine lacks the device asked for, or cannot run the engine on it."""


class DataError(LungmonaiError):
    """A table, a datalist or a data set's folder cannot be used."""


class SettingsError(LungmonaiError):
    """An option's value makes no sense."""


class OutputError(LungmonaiError):
    """Results could not be written."""
