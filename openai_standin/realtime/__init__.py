"""The GA Realtime WebSocket."""
