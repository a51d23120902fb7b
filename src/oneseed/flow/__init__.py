"""Motion between frames. One file per estimator."""
