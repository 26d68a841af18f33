"""What runs a generator: torch, or on the CPU ONNX Runtime or OpenVINO, which take half the time."""
