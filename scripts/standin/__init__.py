"""The crude chest that the stand-in weights were trained on; `make_phantom` is the better one."""
