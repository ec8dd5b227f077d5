Feature: Accounts
  A customer may have any number of accounts, and pays money in and out. There is never less than nothing on an account.

  Rule: An account is asked for, and opened shortly after

    Scenario: Opening an account
      Given Alice is logged in
      When she asks for an account
      Then she is told that her request is pending
      And shortly after she has 1 account
      And her balance is 0.00

    Scenario: Opening another one
      Given Alice has an account
      When she asks for an account
      Then shortly after she has 2 accounts

    Scenario: A request that is repeated opens one account
      Given Alice is logged in
      When she asks for an account under the key "first"
      And she asks for an account under the key "first"
      And she asks for an account under the key "second"
      Then shortly after she has 2 accounts

    Scenario: A request waits while nobody is there to open accounts
      Given Alice is logged in
      And the accounts department is closed
      When she asks for an account
      Then her request is still pending
      When the accounts department opens again
      Then shortly after she has 1 account

    Scenario: Somebody else's request
      Given Alice is logged in
      And Mallory is logged in
      When Alice asks for an account
      And Mallory looks at Alice's request
      Then that is refused because there is no such request

  Rule: Deposits and withdrawals make the balance

    Background:
      Given Alice has an account with 50.00

    Scenario: Paying in
      When she deposits 25.50
      Then that is accepted
      And her balance is 75.50

    Scenario: Paying out
      When she withdraws 20.01
      Then that is accepted
      And her balance is 29.99

    Scenario: Paying out everything
      When she withdraws 50.00
      Then that is accepted
      And her balance is 0.00

    Scenario: Paying out more than there is
      When she withdraws 50.01
      Then that is refused because of insufficient funds
      And her balance is 50.00

    Scenario: One after the other
      When she makes these payments:
        | payment    | amount |
        | deposit    | 10.00  |
        | withdrawal | 0.01   |
        | deposit    | 0.02   |
        | withdrawal | 60.00  |
      Then her balance is 0.01

    Scenario: A deposit that is repeated is made once
      When she deposits 5.00 under the key "birthday"
      And she deposits 5.00 under the key "birthday"
      Then that is accepted
      And her balance is 55.00

  Rule: An amount is written with two decimals and lies between one cent and a billion

    Scenario Outline: "<amount>" can be paid in
      Given Alice has an account
      When she deposits "<amount>"
      Then that is accepted
      And her balance is <amount>

      Examples:
        | amount        |
        | 0.01          |
        | 1000000000.00 |

    Scenario Outline: "<amount>" is no amount
      Given Alice has an account with 50.00
      When she deposits "<amount>"
      Then the amount is refused:
        """
        An amount is a string with two decimals, from "0.01" to "1000000000.00".
        """
      When she withdraws "<amount>"
      Then the amount is refused:
        """
        An amount is a string with two decimals, from "0.01" to "1000000000.00".
        """
      And her balance is 50.00

      Examples: Too little, too much
        | amount        |
        | 0.00          |
        | -1.00         |
        | 1000000000.01 |

      Examples: Written in another way
        | amount |
        |        |
        | 1      |
        | 1.5    |
        | 1,50   |
        | +1.50  |
        | .50    |
        | 1.505  |
        | 1e2.00 |
        | fifty  |

  @security
  Rule: An account is nobody else's business

    Background:
      Given Alice has an account with 50.00
      And Mallory has an account

    Scenario: Looking at the balance
      When Mallory looks at Alice's balance
      Then that is refused because it belongs to somebody else

    Scenario: Taking money
      When Mallory withdraws 10.00 from Alice's account
      Then that is refused because it belongs to somebody else
      And Alice's balance is 50.00

    Scenario: An account that does not exist
      When Mallory looks at an account that does not exist
      Then that is refused because there is no such account
