"""`python -m netspec`, which is how torchrun starts it."""

from netspec.cli.app import main

if __name__ == "__main__":
    main()
