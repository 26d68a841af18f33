"""Reader studies: blinded rating of image quality, from the protocol to the published table."""
