"""What a run's weights answer: the confusion of classes, and single images with bars."""

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from netspec.recipe.results import ClassProbability
from netspec.recipe.run_facts import Answers, Sample
from netspec.render.html.markup import Child, element, image, table
from netspec.render.html.run import show_share

MOST_CLASSES = 20
"""Of a table of all classes against all; of more, the pairs that are confused most are listed."""
MOST_PAIRS = 20
SMALL_SIDE = 64
"""Pixels of an image up to which its pixels stay squares when it is enlarged."""
LEAST_KNOWN = 10


def render_confusion(answers: Answers) -> Iterator[Child]:
    """Which classes are taken for which."""
    yield element("p", describe_images(answers))
    yield from (element("p", note, class_="notice") for note in answers.notes)
    if len(answers.class_names) <= MOST_CLASSES:
        yield render_matrix(answers)
        return
    yield from render_pairs(answers)


def describe_images(answers: Answers) -> str:
    after = "" if answers.update is None else f", after update {answers.update:,}"
    return (
        f"{answers.weights}{after}, on {answers.figures.images:,} held-out images of "
        f"{answers.data}, centre view."
    )


def render_matrix(answers: Answers) -> Element:
    """A row for each class, a column for each answer; a cell is as deep as its share of the row."""
    names, totals = answers.class_names, answers.count_images()
    head = element(
        "tr",
        element("th", "class", scope="col"),
        (element("th", element("span", name), scope="col", class_="turned") for name in names),
        element("th", "images", scope="col", class_="number"),
        element("th", "right", scope="col", class_="number"),
    )
    rows = (
        element(
            "tr",
            element("th", name, scope="row"),
            (render_cell(answers, label, place) for place in range(len(names))),
            element("td", f"{totals[label]:,}", class_="number"),
            element("td", show_right(answers, label), class_="number"),
        )
        for label, name in enumerate(names)
        if label in totals
    )
    whole = element("table", element("thead", head), element("tbody", rows), class_="confusion")
    caption = "Rows are the classes that images are of, columns the answers."
    return element(
        "figure", element("div", whole, class_="scrolls"), element("figcaption", caption)
    )


def render_cell(answers: Answers, label: int, place: int) -> Element:
    count = answers.confusion.get((label, place), 0)
    share = count / answers.count_images()[label]
    return element(
        "td",
        f"{count:,}" if count else "",
        class_="right" if label == place else "wrong",
        style=f"--share: {share:.3f}" if count else None,
        title=f"{answers.class_names[label]} taken for {answers.class_names[place]}"
        if count and label != place
        else None,
    )


def show_right(answers: Answers, label: int) -> str:
    """The share of a class's images that are recognised."""
    return show_share(answers.confusion.get((label, label), 0) / answers.count_images()[label])


def render_pairs(answers: Answers) -> Iterator[Element]:
    """The classes that are confused most, and those that are recognised least."""
    names, totals = answers.class_names, answers.count_images()
    wrong = [(pair, n) for pair, n in answers.confusion.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda each: -each[1])
    rows = [
        (names[label], names[place], f"{n:,}", show_share(n / totals[label]))
        for (label, place), n in wrong[:MOST_PAIRS]
    ]
    shares = {label: answers.confusion.get((label, label), 0) / totals[label] for label in totals}
    least = sorted(shares, key=lambda label: shares[label])[:LEAST_KNOWN]
    yield element(
        "div",
        titled(
            "Confused most often", table(("class", "taken for", "images", "share"), rows, (2, 3))
        ),
        titled(
            "Recognised least",
            table(
                ("class", "images", "right"),
                [(names[n], f"{totals[n]:,}", show_share(shares[n])) for n in least],
                (1, 2),
            ),
        ),
        class_="columns",
    )


def titled(title: str, *children: Child) -> Element:
    return element("div", element("h4", title), children)


def render_samples(answers: Answers) -> Iterator[Child]:
    """Images with the five most probable classes of each, as in Krizhevsky et al. 2012, figure
    4."""
    yield element("p", "Images evenly spread over those tested, with the five likeliest classes.")
    yield render_gallery(answers.samples)
    if answers.mistakes:
        yield element("h4", "The surest mistakes")
        yield element("p", "Wrong answers, those with the highest probability first.")
        yield render_gallery(answers.mistakes)


def render_gallery(samples: Sequence[Sample]) -> Element:
    return element("div", map(render_sample, samples), class_="gallery")


def render_sample(sample: Sample) -> Element:
    """The image, the class that it is of, and the answer in bars."""
    truth = sample.truth
    is_listed = any(each.number == truth.number for each in sample.classes)
    listed = sample.classes if is_listed else (*sample.classes, truth)
    is_small = max(sample.picture.width, sample.picture.height) <= SMALL_SIDE
    kind = "photo small" if is_small else "photo"
    return element(
        "figure",
        image(sample.picture, f"an image of {truth.name}", class_=kind),
        element(
            "figcaption",
            element("strong", truth.name),
            element("small", f" {sample.name}"),
            element("ol", render_bars(listed, truth)),
        ),
    )


def render_bars(classes: Iterable[ClassProbability], truth: ClassProbability) -> Iterator[Element]:
    for each in classes:
        yield element(
            "li",
            element("span", each.name, class_="name"),
            element("span", f"{each.probability:.3f}", class_="value"),
            class_="right" if each.number == truth.number else "other",
            style=f"--share: {each.probability:.3f}",
        )
