"""Networks that take Gaussian noise off pictures: one file each."""
