"""Models: where they are, how they are loaded and proven, what each task feeds them and reads from them."""
