//! Challenges: what a resident proves step by step, first a phone, then an identity.

use super::code_list::code_list;

code_list! {
    /// What a challenge is for.
    pub enum ChallengePurpose {
        /// Opening an account.
        Registration = "registration",
        /// Getting back into one.
        Recovery = "recovery",
        /// Showing that a phone is still at hand.
        PhoneConfirmation = "phone_confirmation",
    }
}

code_list! {
    /// How a challenge ended. None of them can be told before both the code and the authority have
    /// agreed, except that the authority did not.
    pub enum ChallengeOutcome {
        /// What it was for is done.
        Done = "done",
        /// The authority does not confirm the identity; whether it knows the person is not told.
        NotVerified = "not_verified",
        /// Registration: the person has an account that is proven as well or better.
        AlreadyRegistered = "already_registered",
        /// Recovery: the person has no account.
        NoAccount = "no_account",
        /// Recovery: the phone is not one the account confirmed lately.
        OtherPhone = "other_phone",
        /// Recovery: the account is proven better than this check proves.
        NeedsMore = "needs_more",
        /// The account is stopped by an operator.
        Frozen = "frozen",
    }
}
