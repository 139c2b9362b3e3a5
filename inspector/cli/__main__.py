"""``python -m inspector.cli``."""

from inspector.cli.main import main

if __name__ == "__main__":
    main()
