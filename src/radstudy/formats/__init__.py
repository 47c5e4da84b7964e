"""Files to arrays with an affine in RAS, and back; LPS turns into RAS by the functions of `radstudy.space.axes`."""
