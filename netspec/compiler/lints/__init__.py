"""Lints: what is legal but rarely meant. Each is a warning with a code of its own, and each can be
silenced on its line by a comment `# netspec: allow NS503` (`allowed.py`).
"""

from collections.abc import Callable, Iterator

from netspec.compiler.lints.activations import find_double_activations, find_softmax_before_loss
from netspec.compiler.lints.biases import find_useless_biases
from netspec.compiler.lints.dropout import find_dropout_before_batchnorm
from netspec.compiler.lints.groups import find_depthwise
from netspec.compiler.lints.input_order import find_channels_last
from netspec.compiler.lints.memory import find_large_batch
from netspec.compiler.lints.padding import find_uneven_padding
from netspec.compiler.lints.pixel_range import find_unscaled_numbers
from netspec.compiler.lints.pixels import find_dropped_pixels, find_invented_pixels
from netspec.compiler.lints.rates import find_idle_schedule
from netspec.compiler.lints.starting_values import find_lost_signal
from netspec.compiler.lints.unread import find_unread
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic
from netspec.recipe.device import Device

LINTS: tuple[Callable[[CheckedNet], Iterator[Diagnostic]], ...] = (
    find_channels_last,
    find_dropped_pixels,
    find_invented_pixels,
    find_uneven_padding,
    find_depthwise,
    find_useless_biases,
    find_dropout_before_batchnorm,
    find_double_activations,
    find_softmax_before_loss,
    find_unread,
    find_lost_signal,
    find_idle_schedule,
    find_unscaled_numbers,
)


def lint_net(net: CheckedNet, device: Device) -> Iterator[Diagnostic]:
    """Everything that any lint has to say about a net that is to be trained on a device."""
    for lint in LINTS:
        yield from lint(net)
    yield from find_large_batch(net, device)
