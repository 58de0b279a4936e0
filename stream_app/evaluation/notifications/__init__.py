"""Plans judged in a closed loop: simulated people who answer back, and the policies that notify them."""
