"""Services of the training app: operations that change more than one thing, one module per noun."""
