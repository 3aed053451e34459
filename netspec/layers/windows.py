"""The arithmetic of a window that slides over a map: shared by convolution and pooling.

Along one direction, with the padded input P = input + before + after and the dilated window
W = dilation (size - 1) + 1:

    round=down   output = floor((P - W) / stride) + 1
    round=up     output = ceil((P - W) / stride) + 1, less one where that last window would start
                 beyond the input and its padding before
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from netspec.layers.base import LayerError
from netspec.schema import HeightWidth, IsWord, Sides
from netspec.tensor import Shape

Rounding = Annotated[Literal["down", "up"], IsWord]


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """One direction of a window over a map, in pixels."""

    input: int
    size: int
    stride: int
    before: int
    after: int
    dilation: int
    round: str

    @property
    def window(self) -> int:
        """The dilated window."""
        return self.dilation * (self.size - 1) + 1

    @property
    def output(self) -> int:
        """How many windows there are; below 1 where not one fits. A window a little larger than the
        padded input fits under round=up, which completes it."""
        room = self.input + self.before + self.after - self.window
        if self.round == "down":
            return room // self.stride + 1
        last = -(-room // self.stride)
        if last * self.stride >= self.input + self.before:
            last -= 1
        return last + 1

    @property
    def formula(self) -> str:
        """The arithmetic with its numbers, as a teacher would write it."""
        padding = f" + {self.before} + {self.after}" if self.before or self.after else ""
        return f"({self.input}{padding} - {self.window}) / {self.stride} + 1"

    @property
    def derivation(self) -> str:
        """The formula with its result: `(224 - 11) / 4 + 1 = 54.25, rounded down to 54`."""
        exact = (self.input + self.before + self.after - self.window) / self.stride + 1
        if exact == self.output:
            return f"{self.formula} = {self.output}"
        return f"{self.formula} = {exact:.6g}, rounded {self.round} to {self.output}"

    @property
    def dropped(self) -> int:
        """Pixels of input or padding after the last window that no window covers."""
        reached = (self.output - 1) * self.stride + self.window
        return max(0, self.input + self.before + self.after - reached)

    @property
    def invented(self) -> int:
        """Pixels that the last window needs beyond the padded input, under round=up."""
        reached = (self.output - 1) * self.stride + self.window
        return max(0, reached - (self.input + self.before + self.after))


def resolve_padding(
    pad: Sides | str, input: Shape, size: HeightWidth, stride: HeightWidth, dilation: HeightWidth
) -> Sides:
    """Turn `same` and `half` into pixels.

    same: output = ceil(input / stride), the odd pixel after (TensorFlow's SAME).
    half: half of the dilated window, rounded down, on both sides (what Darknet calls pad=1).
    """
    if isinstance(pad, Sides):
        return pad
    sides: list[int] = []
    for extent, k, s, d in zip((input.height, input.width), size, stride, dilation, strict=True):
        window = d * (k - 1) + 1
        if pad == "half":
            sides += [window // 2, window // 2]
        else:
            total = max(0, (-(-extent // s) - 1) * s + window - extent)
            sides += [total // 2, total - total // 2]
    return Sides(*sides)


def window_spans(
    input: Shape,
    size: HeightWidth,
    stride: HeightWidth,
    pad: Sides,
    dilation: HeightWidth,
    round: str,
) -> tuple[WindowSpan, WindowSpan]:
    """The two directions, height first."""
    return (
        WindowSpan(
            input.height, size.height, stride.height, pad.top, pad.bottom, dilation.height, round
        ),
        WindowSpan(
            input.width, size.width, stride.width, pad.left, pad.right, dilation.width, round
        ),
    )


def infer_window_output(spans: tuple[WindowSpan, WindowSpan]) -> tuple[int, int]:
    """Height and width of the output; a window that does not fit once is an error."""
    height, width = spans
    if height.output < 1 or width.output < 1:
        padded = "x".join(str(span.input + span.before + span.after) for span in spans)
        bare = f"{height.input}x{width.input}"
        came = "" if padded == bare else f" (its input of {bare} with the padding)"
        raise LayerError(
            "NS204",
            f"has a window of {height.window}x{width.window}, larger than {padded}{came}",
            argument="size",
            label=f"does not fit {padded}",
        )
    return height.output, width.output
