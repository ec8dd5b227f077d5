Feature: Transfers
  A transfer takes money from one account and gives it to another, or does nothing at all.

  Background:
    Given the customers have these accounts:
      | customer | balance |
      | Alice    | 50.00   |
      | Bob      | 5.00    |

  Rule: A transfer is accepted if there is enough money

    Scenario: Sending money
      When Alice transfers 20.00 to Bob
      Then the transfer is accepted
      And Alice's balance is 30.00
      And Bob's balance is 25.00

    Scenario: Sending everything
      When Alice transfers 50.00 to Bob
      Then the transfer is accepted
      And Alice's balance is 0.00
      And Bob's balance is 55.00

    Scenario: Sending it back
      When Alice transfers 20.00 to Bob
      And Bob transfers 25.00 to Alice
      Then the transfer is accepted
      And Alice's balance is 55.00
      And Bob's balance is 0.00

    Scenario: Both can see what became of it
      When Alice transfers 20.00 to Bob
      And Bob looks at the transfer
      Then the transfer is accepted

  Rule: A transfer that cannot be carried out is rejected, and no money moves

    Scenario: Too little money
      When Alice transfers 50.01 to Bob
      Then the transfer is rejected because of insufficient funds
      And Alice's balance is 50.00
      And Bob's balance is 5.00

    Scenario: To an account that does not exist
      When Alice transfers 20.00 to an account that does not exist
      Then the transfer is rejected because of unknown account
      And Alice's balance is 50.00

    Scenario: To the same account
      When Alice transfers 20.00 to Alice
      Then the receiving account is refused:
        """
        The same account.
        """

    Scenario Outline: "<amount>" cannot be transferred
      When Alice transfers "<amount>" to Bob
      Then the amount is refused:
        """
        An amount is a string with two decimals, from "0.01" to "1000000000.00".
        """
      And Alice's balance is 50.00

      Examples:
        | amount |
        | 0.00   |
        | -5.00  |
        | 5      |

  @security
  Rule: Everybody spends their own money

    Scenario: From somebody else's account
      Given Mallory has an account
      When Mallory transfers 20.00 from Alice's account to her own
      Then that is refused because it belongs to somebody else
      And Alice's balance is 50.00

    Scenario: Looking at other people's transfers
      Given Mallory has an account
      When Alice transfers 20.00 to Bob
      And Mallory looks at the transfer
      Then that is refused because it belongs to somebody else

  @repeatable
  Rule: Whoever got no answer asks again under the same key, and money moves once

    Scenario: Asking again
      When Alice transfers 20.00 to Bob under the key "rent-for-May"
      And Alice transfers 20.00 to Bob under the key "rent-for-May"
      Then that is the same transfer as before
      And Alice's balance is 30.00
      And Bob's balance is 25.00

    Scenario: Another transfer under the same key
      When Alice transfers 20.00 to Bob under the key "rent-for-May"
      And Alice transfers 21.00 to Bob under the key "rent-for-May"
      Then that is refused because another request was made under this key
      And Alice's balance is 30.00
      And Bob's balance is 25.00

    Scenario: The same transfer under another key
      When Alice transfers 20.00 to Bob under the key "rent-for-May"
      And Alice transfers 20.00 to Bob under the key "rent-for-June"
      Then that is another transfer than before
      And Alice's balance is 10.00
      And Bob's balance is 45.00

    Scenario: A key is the customer's own
      When Alice transfers 20.00 to Bob under the key "rent-for-May"
      And Bob transfers 1.00 to Alice under the key "rent-for-May"
      Then that is another transfer than before
      And Alice's balance is 31.00
      And Bob's balance is 24.00
