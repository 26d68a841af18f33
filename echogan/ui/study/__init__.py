"""Reader studies on the page: the reading page of a reader's link, and the Studies tab of whoever runs them."""
