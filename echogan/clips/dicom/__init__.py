"""DICOM in and out: header, regions, pixels, de-identified objects."""
