"""A small bundle that every check passes: one convolution, which takes (N, 1, 8n, 8n)."""

import json
from pathlib import Path
from typing import Any

import torch

TENSOR = {
    "type": "image",
    "format": "hounsfield",
    "num_channels": 1,
    "spatial_shape": ["8*n", "8*n"],
    "dtype": "float32",
    "value_range": [-1000, 1000],
    "is_patch_data": False,
    "channel_def": {"0": "image"},
}
TEXTS = (
    *("name", "task", "description", "authors", "copyright", "data_source", "data_type"),
    *("image_classes", "label_classes", "pred_classes"),
)
METADATA = {
    "schema": "https://example.org/schema.json",
    "version": "0.1.0",
    "changelog": {"0.1.0": "first"},
    **dict.fromkeys(("monai_version", "pytorch_version", "numpy_version"), "1.0.0"),
    "required_packages_version": {},
    **dict.fromkeys(TEXTS, "a test"),
    "intended_use": "Not a medical device.",
    "eval_metrics": {},
    "references": [],
    "network_data_format": {"inputs": {"image": TENSOR}, "outputs": {"pred": TENSOR}},
}
COMMON = {
    "imports": ["$from lungmonai.bundle_tools.one_line import one_line_errors", "$import torch"],
    "bundle_root": "$'nowhere'",
    "device": "$torch.device('cpu')",
    "dataset_dir": "",
    "weights": "$@bundle_root + '/models/model.pt'",
    "network_def": {
        "_target_": "torch.nn.Conv2d",
        "in_channels": 1,
        "out_channels": "@channels",
        "kernel_size": 3,
        "padding": 1,
    },
    "channels": 1,
    "initialize": ["$one_line_errors()"],
}
# One item, an image of 8 × 8, so that a run takes no time.
ITEMS = "$[{'image': torch.ones(1, 8, 8), 'label': torch.ones(1, 8, 8)}]"
TRAIN = {
    **COMMON,
    "max_epochs": 1,
    "learning_rate": 0.1,
    "train": {
        "dataset": {"_target_": "Dataset", "data": ITEMS},
        "inferer": {"_target_": "SimpleInferer"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@train#dataset"},
        "trainer": {
            "_target_": "SupervisedTrainer",
            "device": "@device",
            "max_epochs": "@max_epochs",
            "train_data_loader": "@train#dataloader",
            "network": "@network_def",
            "optimizer": "$torch.optim.SGD(@network_def.parameters(), lr=@learning_rate)",
            "loss_function": "$torch.nn.functional.mse_loss",
            "inferer": "@train#inferer",
        },
    },
    "training": ["$@train#trainer.run()"],
}
INFER = {
    **COMMON,
    "data": ITEMS,
    "dataset": {"_target_": "Dataset", "data": "@data"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset"},
    "inferer": {"_target_": "SimpleInferer"},
    "handlers": [
        {"_target_": "CheckpointLoader", "load_path": "@weights", "load_dict": {"model": "@network_def"}},
        {"_target_": "StatsHandler", "iteration_log": False},  # which logs tracebacks
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network_def",
        "inferer": "@inferer",
        "val_handlers": "@handlers",
    },
    "inference": ["$@evaluator.run()", "$print('first weight', float(@network_def.weight[0, 0, 0, 0]))"],
}


def write_json(path: Path, content: Any) -> Path:
    """Write a config as the bundles' are written."""
    path.write_text(json.dumps(content, indent=4))
    return path


def make_bundle(root: Path) -> Path:
    """Write the bundle; returns its folder."""
    (root / "docs").mkdir(parents=True)
    (root / "models").mkdir()
    for name, content in (("train", TRAIN), ("evaluate", INFER), ("inference", INFER)):
        write_json(root / f"{name}.json", content)
    write_json(root / "multi_gpu_train.json", {"learning_rate": 0.2, "+imports": ["$import numpy"]})
    write_json(root / "metadata.json", METADATA)
    for name in ("docs/README.md", "LICENSE"):
        (root / name).write_text("text\n")
    logging = ("[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=f\n[formatter_f]\n"
        "[logger_root]\nlevel=INFO\nhandlers=h\n[handler_h]\nclass=StreamHandler\nargs=()\n")  # fmt: skip
    (root / "logging.conf").write_text(logging)
    torch.save({"model": network(0.25).state_dict()}, root / "models" / "model.pt")
    return root


def network(weight: float) -> torch.nn.Conv2d:
    """The bundle's network, every weight the same."""
    made = torch.nn.Conv2d(1, 1, kernel_size=3, padding=1)
    torch.nn.init.constant_(made.weight, weight)
    return made


def change(path: Path, **keys: Any) -> Path:
    """Put other values under keys of a config, `#` between the parts; None removes a key."""
    content = json.loads(path.read_text())
    for key, value in keys.items():
        *above, last = key.split("#")
        place = content
        for part in above:
            place = place[int(part) if isinstance(place, list) else part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return write_json(path, content)
