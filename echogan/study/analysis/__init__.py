"""The statistics of a reader study: tables of ratings in, estimates with intervals, figures and a report out."""
