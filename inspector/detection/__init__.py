"""Frame -> Detections: model folders and the backends that run them."""
