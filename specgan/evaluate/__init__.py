"""How close a rendered wave comes to the recording: metrics, pitch, reports. No torch."""
