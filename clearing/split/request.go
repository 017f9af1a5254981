package split

// MaxRequests is how many split requests of one order channels allow.
const MaxRequests = 50
