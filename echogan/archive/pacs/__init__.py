"""Clips of a hospital's archive (PACS): a study over DICOMweb, and what is sent here by C-STORE."""
