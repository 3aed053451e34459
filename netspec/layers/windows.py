"""The arithmetic of a window that slides over a map: shared by convolution and pooling.

Along one direction, with the padded input P = input + before + after and the dilated window
W = dilation (size - 1) + 1:

    round=down   output = floor((P - W) / stride) + 1
    round=up     output = ceil((P - W) / stride) + 1, less one where that last window would start
                 beyond the input and its padding before
"""

from typing import Annotated, Literal

from msgspec import Struct

from netspec.layers.arithmetic import join_both, list_both
from netspec.layers.base import LayerError, Told
from netspec.schema import HeightWidth, IsWord, Sides
from netspec.tensor import Reach, Shape

Rounding = Annotated[Literal["down", "up"], IsWord]


class WindowSpan(Struct, frozen=True):
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
        last = self.rounded - 1
        starts_beyond = last * self.stride >= self.input + self.before
        return last if self.round == "up" and starts_beyond else self.rounded

    @property
    def room(self) -> int:
        """How far the window can move."""
        return self.input + self.before + self.after - self.window

    @property
    def rounded(self) -> int:
        """How many windows there are, one included that would start beyond the input."""
        steps = self.room // self.stride if self.round == "down" else -(-self.room // self.stride)
        return steps + 1

    @property
    def reach(self) -> Reach:
        """The pixels of each window."""
        return Reach(self.stride, -self.before, self.window - 1 - self.before)

    @property
    def formula(self) -> str:
        """The arithmetic with its numbers, as a teacher would write it."""
        padding = f" + {self.before} + {self.after}" if self.before or self.after else ""
        return f"({self.input}{padding} - {self.window}) / {self.stride} + 1"

    @property
    def derivation(self) -> str:
        """The formula with its result: `(224 - 11) / 4 + 1 = 54.25, rounded down to 54`."""
        if self.output == self.rounded:
            return self.derive_rounded()
        beyond = "less a window that would start beyond the input"
        return f"{self.derive_rounded()}, {beyond}: {self.output}"

    def derive_rounded(self) -> str:
        """The same for all windows, one included that would start beyond the input."""
        if self.room % self.stride == 0:
            return f"{self.formula} = {self.rounded}"
        exact = self.room / self.stride + 1
        return f"{self.formula} = {exact:.6g}, rounded {self.round} to {self.rounded}"

    @property
    def dropped(self) -> int:
        """Pixels of input or padding after the last window that no window covers."""
        return max(0, self.room - (self.output - 1) * self.stride)

    @property
    def invented(self) -> int:
        """Pixels that the last window needs beyond the padded input, under round=up."""
        return max(0, (self.output - 1) * self.stride - self.room)


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
            total = count_missing(extent, window, s)
            sides += [total // 2, total - total // 2]
    return Sides(*sides)


def count_missing(extent: int, window: int, stride: int) -> int:
    """The pixels that ceil(extent / stride) windows need beyond the extent."""
    return max(0, (-(-extent // stride) - 1) * stride + window - extent)


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


def derive_spans(spans: tuple[WindowSpan, WindowSpan]) -> tuple[str, ...]:
    """The arithmetic of height and width."""
    height, width = (span.derivation for span in spans)
    return list_both(height, width)


def describe_window(pad: Sides | str, spans: tuple[WindowSpan, WindowSpan]) -> Told:
    """The window where it is dilated, the padding and the rounding in effect."""
    told = []
    if any(span.dilation > 1 for span in spans):
        told.append(("window", join_both(*map(derive_window, spans))))
    paddings = (describe_padding(pad, span) for span in spans)
    told.append(("padding", join_both(*paddings)))
    told.append(("rounding", join_both(*map(describe_rounding, spans))))
    return tuple(told)


def derive_window(span: WindowSpan) -> str:
    return f"{span.dilation} x ({span.size} - 1) + 1 = {span.window}, dilated"


def describe_padding(pad: Sides | str, span: WindowSpan) -> str:
    """Pixels before and after, and for a word how they come about."""
    pixels = f"{span.before} before, {span.after} after"
    if isinstance(pad, Sides):
        return pixels if span.before or span.after else "none"
    if pad == "half":
        return f"half of {span.window}, rounded down: {pixels}"
    count = -(-span.input // span.stride)
    missing = count_missing(span.input, span.window, span.stride)
    needed = f"({count} - 1) x {span.stride} + {span.window} - {span.input}"
    windows = f"same: ceil({span.input} / {span.stride}) = {count} windows"
    if not missing:
        return f"{windows} need none"
    return f"{windows} need {needed} = {count_pixels(missing)} more: {pixels}"


def describe_rounding(span: WindowSpan) -> str:
    """What becomes of the part of a step that is left over."""
    if span.output < span.rounded:
        return "up, less a window that would start beyond the input"
    if span.room % span.stride == 0:
        return "none needed: the windows come out even"
    if span.round == "down":
        return f"down: no window reaches {describe_dropped(span)}"
    return f"up: the last window runs {count_pixels(span.invented)} over the end"


def describe_dropped(span: WindowSpan) -> str:
    """What lies behind the last window: pixels of the input, and padding."""
    lost = span.dropped - span.after
    if lost <= 0:
        which = "which is padding" if span.dropped == 1 else "which are padding"
        return f"{name_last(span.dropped)}, {which}"
    padding = ", nor the padding behind" if span.after else ""
    return f"{name_last(lost)} of the input{padding}"


def name_last(number: int) -> str:
    return "the last pixel" if number == 1 else f"the last {number} pixels"


def count_pixels(number: int) -> str:
    return "1 pixel" if number == 1 else f"{number} pixels"
