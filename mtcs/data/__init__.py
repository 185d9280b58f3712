"""From a data set's files to normalised series and labels."""
