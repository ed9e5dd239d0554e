//! Redirects: nothing leads where it was not registered to lead.
