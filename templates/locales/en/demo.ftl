# The demonstration: people not registered yet, your phone, the authority.

start-phone = Codes and notices arrive here
start-newcomers = Not registered yet
    .detail = The authority knows them. Register as they are written here, with a password of your own.
start-story = From registration to logout
start-story-register = Open Zhejiang Social Insurance, choose “Log in with Tongxing”, then “Register”, and give the name, document and phone of anybody above.
start-story-code = The code arrives at
start-story-first = The account exists once both the code and the check agree. After one notice you are in Zhejiang.
start-story-second = Go on from Zhejiang’s page to Guangdong: no login, only one question.
start-story-account = Your level, where you are logged in, which sites you entered and what happened lately are in
start-story-recover = A forgotten password takes phone and identity once more, and ends every login:
start-story-logout = Log in with a second browser and end that login from my account; then log out at a portal: the other one has ended as well.
start-squatter = Somebody used another’s document first
start-squatter-who = Somebody opened an account with the name and number of { $owner }, unproven, so it is only L1. Log in as them and look at my account:
start-squatter-sees = Then register as { $owner }: all three agree, the level is higher, the document goes to its owner. Whoever was first is told; their logins and grants have ended, and their account has no document any more.
start-authority = The authority fails
start-authority-what = The demonstration has a simulated authority. Make it fail (down), slow or well again (ok), and see what registration says and that logins go on.
start-authority-people = A thousand more people whom it knows
phone-title = Your phone
phone-lead = The phones of everybody in this demonstration, the newest message first. Real ones are their owners’ alone.
phone-again = Look again
phone-refresh-by_itself = Stop refreshing
phone-refresh-asked = Refresh every 4 seconds
phone-whose = Whose phone
phone-all = Everybody
phone-none = No message yet. One arrives with a registration, a recovery, or when a document is taken over.
