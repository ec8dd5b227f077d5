Feature: Sessions
  Logging in opens a session. It lasts for eight hours, or until the customer logs out.

  Rule: Logging out ends the session, everywhere and at once

    Scenario: After logging out
      Given Alice has an account
      And she is logged in
      When she logs out
      Then no part of the bank knows her any more

    Scenario: A session on another device goes on
      Given Alice is logged in on the phone
      And she is logged in on the laptop
      When she logs out on the phone
      Then she is no longer logged in on the phone
      But she is still logged in on the laptop

    Scenario: Logging in again
      Given Alice is logged in
      When she logs out
      And she logs in
      Then she is logged in again

  Rule: A session ends after eight hours

    Background:
      Given Alice is logged in

    Scenario: Shortly before
      When 7 hours pass
      And 59 minutes pass
      Then she is still logged in

    Scenario: Afterwards
      When 8 hours pass
      Then no part of the bank knows her any more

    Scenario: The customer comes back
      When 8 hours pass
      And she logs in
      Then she is logged in again

  @security
  Rule: Nobody gets in with a token the bank did not give out

    Scenario Outline: The token "<token>"
      When somebody comes with the token "<token>"
      Then no part of the bank lets them in

      Examples:
        | token                                       |
        |                                             |
        | made-up                                     |
        | AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA |

    Scenario: Without a token
      When somebody comes without a token
      Then no part of the bank lets them in
