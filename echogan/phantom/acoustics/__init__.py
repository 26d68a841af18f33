"""The probe, the beam, reception, display and scan conversion."""
