"""What every run shares: the session, its forwards, and the plain run of `infer`."""
