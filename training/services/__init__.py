"""Services of the training app: operations that go beyond a single model, with one module per topic."""
