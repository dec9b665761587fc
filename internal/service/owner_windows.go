package service

// owned leaves it to the folder's access control list.
func owned(string) error { return nil }
