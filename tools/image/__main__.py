"""`python -m tools.image`."""

from tools.image.cli import main

if __name__ == "__main__":
    main()
