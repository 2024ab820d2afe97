"""The demo network, its generator and its rendered images, so that nothing need be downloaded."""
