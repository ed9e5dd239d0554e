# English. Keys are grouped by page; templates bring the variables.

brand = Tongxing
layout-skip = Skip to content
layout-promise = Register once, pass everywhere
layout-switches = Language and text size
layout-text-large = Larger text
    .detail = : makes all text on every page larger
layout-text-normal = Normal text
    .detail = : gives all text its usual size again
back-home = Go to the start page
back-to-portal = Back to { $portal }

## Login

login-title = Log in
login-problem-title = Login did not succeed
login-portal = To enter
login-account = With your Tongxing account
login-username = Phone or document number
login-username-hint = If you share your phone with others, use your document number.
login-password = Password
login-submit = Log in
login-register = No account yet? Register
login-recover = Recover account
login-promise = Type your password on this page only. Tongxing never gives it to any site.
login-problem-wrong_credentials = That account and password do not match. Check both and try again. If you share your phone with others, use your document number instead.
login-problem-try_later = Login is not possible right now. Try again in a few minutes.
login-throttled = Too many passwords were wrong.
    .seconds = Please wait { $count } s, then try again.
    .minutes = Please wait { $count } min, then try again.
    .hours = Please wait { $count } h, then try again.
    .where = This holds for where you are now. On a device on which you logged in before, you can do so at once.
    .forgot = If you forgot the password, do not wait:

## Consent and notice

consent-title = Let { $portal } use your information?
consent-heading = Let
    .after = use your information?
consent-lead = You enter { $portal } as { $person }.
consent-receives = { $portal } receives
consent-purpose = Purpose
consent-basis = Legal basis
consent-policy = Privacy policy
consent-tos = Terms of service
consent-allow = Allow and enter
consent-deny = Do not allow
consent-remembered = You are asked once. If the recipient, the purpose or the information changes, you are asked again.
notice-title = You are about to enter { $portal }
notice-heading = You are about to enter
notice-lead = You enter { $portal } as { $person }. It receives what is listed here.
notice-allow = Continue
notice-deny = Do not enter
notice-remembered = This notice is shown once. It does not interrupt you the next time.
basis-consent = Your consent (Personal Information Protection Law, article 13(1)(1))
basis-statutory_duty = Necessary for a statutory duty, so consent is not required (Personal Information Protection Law, article 13(1)(3))
receives-subject = Your identifier at this site
    .detail = used here only; no other site can recognize you by it
receives-name = Name
    .detail = as registered with your identity document
receives-phone = Phone number
    .detail = the number, and whether it is verified
receives-email = E-mail address
    .detail = the address, and whether it is verified
receives-birthdate = Date of birth
    .detail = as on your identity document
receives-gender = Gender
    .detail = as on your identity document
receives-document = Identity document
    .detail = its kind and full number
receives-assurance = Assurance level
    .detail = how your identity was checked, and how you logged in
receives-offline_access = Stay connected when you are away
    .detail = the site can refresh the above while you are not there
receives-claim = Other information: { $claim }

## Logout

logout-title = Log out
logout-lead = Do you ({ $person }) want to log out of Tongxing?
logout-lead-portal = { $portal } asks you ({ $person }) to log out of Tongxing.
logout-effect = After that, entering any site from this browser needs a new login. Always log out on a shared computer.
logout-confirm = Log out
logout-cancel = Stay logged in
left-logged_out = You are logged out
    .detail = On a shared computer, close the browser window as well.
left-unconfirmed = These sites have not confirmed yet that you are logged out there:
    .detail = On a computer that others use, log out there as well and close the browser.
left-stayed = You are still logged in
    .detail = Nothing has changed.

## Start page

home-title-out = Register once, pass everywhere
home-title-in = My Tongxing
home-what = Tongxing is a unified identity service: one real-name account enters the sites of every province and department, without registering or logging in again.
home-once = Log in once
    .detail = Logged in at one site, you enter the sites of other provinces and departments without another login.
home-little = Only what is needed
    .detail = Before a site first receives your information, you see who it is, why, and each thing it receives.
home-register = Register
home-account = My account
home-open = Trusted, yet apart
    .detail = You have a different identifier at each site, so sites cannot use it to piece together where you go.
home-integrators = For sites that connect:
home-discovery = OpenID discovery document
home-greeting = Hello, { $person }
home-signed-in = You are logged in and can enter the sites of every province and department.
home-level = Identity assurance level
level-none = Not verified
    .detail = no identity check is in force
level-l1 = Level 1 (L1)
    .detail = phone confirmed, or name and document number checked
level-l2 = Level 2 (L2)
    .detail = name, document number and the phone registered with the carrier agree
level-l3 = Level 3 (L3)
    .detail = face compared with the authority’s picture, or name, document number, bank card and its phone checked
level-l4 = Level 4 (L4)
    .detail = document chip read, digital certificate used, or checked in person

## Errors

error-next = What to do next
error-help = For technical support
error-reference = Reference
error-code = Error code
error-description = Description
error-documented = What this code means and how to fix it
cause-request = The site sent a faulty request
    .what = The site you want to enter sent a request that cannot be served. Nothing is wrong with your account.
    .next = Go back to the site and enter again. If this happens again, tell the site the reference below.
cause-sender = We cannot tell which site you want to enter
    .what = The site is not registered, or it asked us to send you to an address that is not registered. To protect your information, we stopped here.
    .next = Start again from the site’s own home page. Do not use login links that somebody sent you.
cause-declined = You did not enter the site
    .what = You chose not to enter, or the way you logged in or your assurance level is not enough for the site.
    .next = Go back to the site. You can start again whenever you like.
cause-expired = This page has expired
    .what = For your safety, each step of a login is only good for a short time.
    .next = Go back to the site you want to enter and start again.
cause-browser = Continue in the browser where you began
    .what = This login was begun in another browser or on another device, or this browser blocks cookies.
    .next = Go back to that browser, or start again here from the site. If you did not begin this login, simply close this page.
cause-form = This page is no longer valid
    .what = It was open for too long, or you logged in or out in another tab. Nothing was done.
    .next = Go back, reload the page and try again.
cause-missing = There is no such page
    .what = The address may be wrong, or the page has moved.
    .next = Check the address, or go to the start page.
cause-limited = Too many tries
    .what = Against abuse, there is a limit for each stretch of time. Nothing was done.
    .next = Try again in an hour. If it is urgent, bring your document to a service counter.
cause-busy = Many people are here right now
    .what = The system is too busy for the moment. Nothing was done.
    .next = Wait a minute and try again.
cause-server = Something went wrong
    .what = The fault is ours, and it has been recorded.
    .next = Try again later. If this happens again, tell the site you want to enter the reference below.

## Error codes, for those who connect a site

docs-title = Error codes
docs-lead = Every error code that the server sends: what it means, why it is sent, what to do.
docs-why = When it is sent
docs-fix = What to do
docs-all = All error codes
code-invalid_request = The request lacks a parameter, repeats one, or is malformed.
    .why = A required parameter is missing, is sent twice, is not UTF-8, or contradicts another. A client that needs PKCE also gets this without a code_challenge, or with a code_challenge_method other than S256.
    .fix = The error_description names the parameter. Compare your request with the discovery document, send each parameter once, and use application/x-www-form-urlencoded at the token endpoint.
code-invalid_client = Client authentication failed.
    .why = The client_id does not exist, the secret is wrong, the method differs from the registered token_endpoint_auth_method, or the client is suspended. All of these get the same answer.
    .fix = Check client_id and secret. With client_secret_basic, form-encode both before Base64. Use one method of authentication per request. If nothing is wrong with them, ask the operator whether the client is suspended.
code-invalid_grant = The code or refresh token is invalid, expired, used, or belongs to another client.
    .why = A code lives 60 seconds at most and works once; the code_verifier or the redirect_uri does not fit the authorization request; the refresh token was replaced or revoked; or the session or grant is over.
    .fix = Redeem a code at once and only once, with exactly the redirect_uri of the authorization request. Keep the new refresh token after each refresh. If no new token is to be had, ask the user to log in again.
code-unauthorized_client = This client may not use this grant.
    .why = The grant_type or response_type is not in the client’s registered metadata.
    .fix = Add the value to grant_types or response_types of the registration.
code-unsupported_grant_type = The server does not support this grant_type.
    .why = The grant_type is misspelled, or is one that this server does not offer, such as the password grant.
    .fix = Use a value of grant_types_supported in the discovery document.
code-unsupported_response_type = The server does not support this response_type.
    .why = This server offers the code flow only, neither the implicit nor the hybrid flow.
    .fix = Use response_type=code.
code-invalid_scope = The scope is malformed, unknown, or wider than registered.
    .why = The scope is not well-formed, or a refresh asked for more than was first given.
    .fix = Ask only for registered scopes, separated by spaces. In a refresh, stay within what was first given.
code-invalid_target = The resource or audience is unknown, or not open to this client.
    .why = The resource is not an absolute URI, has a fragment, or names nothing that this client has a relationship with.
    .fix = Send the identifier exactly as the resource registered it. For a new resource, register the relationship first.
code-access_denied = The user or the server refused the request.
    .why = The user chose not to allow or not to enter, or the account cannot enter at present.
    .fix = Treat it as a normal outcome: say that nobody is logged in, and let the user start again. Do not retry by yourself.
code-server_error = The server met an unexpected condition.
    .why = Something failed inside the server. The cause is only in its log, under the reference: it stands on the page, and in the x-request-id header of every answer.
    .fix = Try once more later. If it happens again, give the operator the reference and the time.
code-temporarily_unavailable = The server cannot serve the request for now.
    .why = The server is overloaded or under maintenance.
    .fix = Wait as Retry-After says, then try again, waiting longer each time.
code-login_required = Nobody is logged in, and the request forbids showing the login page.
    .why = The request has prompt=none, but there is no session, it is older than max_age, or it is not that of the person in id_token_hint.
    .fix = Send the authorization request again without prompt=none. When you only probe for a session, this is a normal outcome.
code-consent_required = The user must consent or be told, and the request forbids showing a page.
    .why = The request has prompt=none, but the user has not consented yet, or the recipient, the purpose or the information has changed.
    .fix = Send the authorization request again without prompt=none.
code-interaction_required = The user must do something, and the request forbids showing a page.
    .why = The request has prompt=none, but a step other than login and consent needs the user.
    .fix = Send the authorization request again without prompt=none.
code-account_selection_required = The user must choose an account, and the request forbids showing a page.
    .why = The request has prompt=none, and the session does not settle which account is meant.
    .fix = Drop prompt=none, or name the user by id_token_hint.
code-unmet_authentication_requirements = The required authentication or assurance level is not met.
    .why = The request asked for an acr as essential, and the user could not or did not want to reach it.
    .fix = Require a higher level only where it is needed, tell the user which, and offer another way.
code-request_not_supported = The request parameter is not accepted.
    .why = The authorization request carries a request object (a JWT), which is not supported here.
    .fix = Send the parameters themselves; send a long authorization request by POST.
code-request_uri_not_supported = The request_uri parameter is not accepted.
    .why = The authorization request refers to a request object elsewhere, which is not supported here.
    .fix = Send the parameters themselves; send a long authorization request by POST.
code-registration_not_supported = The registration parameter is not accepted.
    .why = The authorization request carries client metadata.
    .fix = Register the client first and use the client_id that you receive.
code-invalid_redirect_uri = A redirect_uri cannot be registered.
    .why = In the client’s metadata, an address is not https (loopback excepted), has a fragment or a wildcard, or uses a forbidden scheme.
    .fix = Register complete, exact https addresses, each one by itself.
code-invalid_client_metadata = The client’s metadata is faulty.
    .why = A field has a value that is invalid or not supported, or that contradicts another field.
    .fix = The error_description names the field. Redirect URIs on several hosts need a sector_identifier_uri.
code-invalid_token = The access token is not valid.
    .why = The token is expired, revoked, malformed or meant for somebody else, or its session is over.
    .fix = Get a new one with the refresh token; failing that, ask the user to log in again. Check the clock of your server.
code-insufficient_scope = The access token’s scope is not enough.
    .why = The token is valid but lacks the scope that the resource needs. The userinfo endpoint, for one, needs openid.
    .fix = Add the scope to the authorization request and get a new token.
code-unsupported_token_type = A token of this kind cannot be revoked.
    .why = The revocation endpoint received a token of a kind that is not revoked by itself, such as an ID token.
    .fix = Revoke access tokens and refresh tokens only. To end the login, use the logout endpoint.
code-unknown_client = The client_id of the authorization request is not registered.
    .why = The client_id is wrong, the client was removed or is suspended, or the request went to another environment. There is no redirect, since the address cannot be trusted.
    .fix = Check the client_id and the issuer that you connect to.
code-redirect_uri_mismatch = The redirect_uri of the authorization request is not a registered one.
    .why = Addresses are compared character by character: scheme, host, port, path, trailing slash and query must all be equal. There is no redirect.
    .fix = Send an address that is registered, or add the one you use to the registration.
code-interaction_expired = The login step has expired.
    .why = The user stayed on a page for too long, used an old bookmark, or went back to a step that was already done.
    .fix = Start a new authorization request from your site. Do not store or pass on the address of a login page.
code-wrong_browser = The step does not belong to this browser.
    .why = The address of a login page was opened in another browser or on another device, or the browser did not send the cookie back.
    .fix = Finish the login in the browser where it began. Do not put login pages into frames of other sites, and do not pass on their addresses.
code-csrf = The form’s token is not right.
    .why = The page with the form has expired, the session has changed, or the request does not come from a page of ours.
    .fix = Reload the page and send the form again. Programs should not post our forms.
code-not_found = There is no page at this address.
    .why = The path is wrong, or the page has moved.
    .fix = Read the endpoints’ addresses from the discovery document rather than writing them down.
code-too_many_requests = There were more tries than are allowed.
    .why = One phone, document or block of network addresses was tried too often in a stretch of time. The answer is the same whether they are known or not, and has a Retry-After.
    .fix = Wait as Retry-After says, then try again. Programs should not send forms over and over for somebody.

## Text messages and e-mails

message-registration_code = [Tongxing] { $code } is your code for registering, valid for 10 minutes. Never share it; our staff will not ask for it. If you are not registering, ignore this message.
message-recovery_code = [Tongxing] { $code } is your code for recovering your account, valid for 10 minutes. Never share it; our staff will not ask for it. If this is not you, ignore this message.
message-phone_code = [Tongxing] { $code } is your code for confirming a phone or e-mail of your account, valid for 10 minutes. Never share it; our staff will not ask for it.
message-account_registered = [Tongxing] Your real-name account is open: enter the sites of any province or department with it. If it was not you who registered, go to a service counter.
message-account_recovered = [Tongxing] Your account got a new password at { $at } (Beijing time), and all earlier logins were ended. If this was not you, recover your account at once or go to a service counter.
message-document_taken_over = [Tongxing] At { $at } (Beijing time) somebody proved, at a higher level, that the document on your account is theirs. It has left your account. If you object, go to a service counter.
message-phone_left = [Tongxing] At { $at } (Beijing time) somebody else confirmed phone { $phone } as theirs. It has left your account and no longer logs in or recovers it. If you object, go to a service counter.

## Demo

demo-note = This is a demonstration: people, documents and phone numbers are made up.
portal-title = Welcome to
portal-about-zhejiang = Enrollment, contribution records and pension claims. A demonstration portal; nothing real is done here.
portal-about-guangdong = Founding, changing and closing a business. A demonstration portal; nothing real is done here.
portal-basis-zhejiang = This portal acts on a statutory duty: the first time, you are told once what it receives; after that nothing more is shown.
portal-basis-guangdong = This portal acts on your consent: the first time, you are asked, and you may say no.
portal-also = The other demonstration portal:
portal-start = About this demonstration: whom to be and what to try
portal-login = Log in with Tongxing
portal-logout = Log out
portal-welcome = Hello, { $person }
portal-entry-login = You have just logged in at Tongxing and entered this site.
portal-entry-single_sign_on = You had logged in at Tongxing before; no password was asked for this time.
portal-refresh = Refresh tokens
portal-renewable = The access token is good until { $time }. The refresh token gets new ones without troubling anybody.
portal-notice-logged_out = You are logged out of this site and of Tongxing.
portal-notice-ended_elsewhere = Your login was ended at Tongxing or at another site, and so it has ended here, too.
portal-notice-refreshed = The refresh token brought new tokens and new claims.
portal-problem = That did not succeed
portal-advice-declined = You did not agree; this site received nothing.
portal-advice-begin_again = This login has expired, or did not begin in this browser. Please log in again.
portal-advice-ended = Tongxing has ended this login. Please log in again.
portal-advice-later = Tongxing does not answer just now. Please try again in a moment.
portal-next = Without another login, enter
portal-claims = Claims received
portal-claims-zhejiang = Social insurance needs the name and the phone number. The document number was not given.
portal-claims-guangdong = Business registration needs the name only. Neither phone nor document number was given.
claim-sub = A number for this portal alone; the other portal receives another, and the two cannot be matched.
claim-name = The name as registered
claim-phone_number = The phone number
claim-phone_number_verified = Whether the phone number was verified
claim-ial = How well the identity is proven, from 1 to 4
claim-aal = How well this login is assured, from 1 to 3
claim-acr = The level that the portal asked for and got; if it asked for none, the login’s
claim-amr = How the login was made; pwd is a password
claim-auth_time = When the login at Tongxing was
claim-iss = Who issued it
claim-aud = Whom it is for: this portal’s client id
claim-iat = When it was issued
claim-exp = When it ends
claim-sid = The login’s number, again for this portal alone
claim-nonce = A random value that this portal sent: the token was made for this very login
claim-at_hash = The access token’s digest: the two tokens were issued together
portal-claim = Name
portal-value = Value
portal-tokens = Tokens received
start-title = Tongxing demonstration
start-lead = Register once and enter the first portal, then open the second: no second login.
start-provider = Tongxing
    .detail = the identity server
start-people = Already registered
    .detail = Pick anybody and log in with the account and password given here.
start-name = Name
start-level = Proven to level
start-try = What to try
start-remembers = The demonstration remembers what was done here, and the next run goes on from it. To start over, run tongxing demo --fresh.
start-try-notice = Enter Zhejiang: after the login you are told once what it receives. Log out and in again: nothing more is shown.
start-try-consent = Go on from Zhejiang’s page to Guangdong: no password, only one question. Say no, too, and see how the portal explains it.
start-try-subject = Compare the sub that each portal received: one person, two numbers.
start-try-logout = Log out at one portal, then log in from the other: the password is asked for again.
