"""What the engine trains: one file a task."""
