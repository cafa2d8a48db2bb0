"""Entry point of the voice gateway: `python -m config.gateway`."""

from config.gateway.server import main

if __name__ == "__main__":
    main()
