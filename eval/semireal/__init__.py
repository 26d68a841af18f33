"""Semi-real lesions: lesions of the phantom's kinds put into real stills, and what networks make of them."""
