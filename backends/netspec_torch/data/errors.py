"""What can be wrong with data: an exception that ends a run, and one that costs a single image."""


class DataError(Exception):
    """Data that cannot be used as asked. The command line prints message and help."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(f"{message}\n{help}" if help else message)
        self.message = message
        """One sentence, the user's own names and numbers in it."""
        self.help = help
        """What to do about it; empty where nothing can be said."""


class UnreadableImageError(Exception):
    """One image that is damaged: it is skipped and named in the run's report, and the run goes on.

    `str()` gives the reason as the report shows it.
    """
