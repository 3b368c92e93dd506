"""The only place that knows backends: devices over `torch.get_device_module`, and the machine around them."""
