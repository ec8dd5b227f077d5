Feature: Statements
  The statement of an account is everything that ever moved its money, in order.

  Rule: What happened is listed in the order in which it happened

    Scenario: A new account
      Given Alice has an account
      Then her statement is empty

    Scenario: Deposits and withdrawals
      Given Alice has an account
      When she makes these payments:
        | payment    | amount |
        | deposit    | 100.00 |
        | withdrawal | 30.00  |
        | deposit    | 0.50   |
      Then her statement shows:
        | amount | what       |
        | 100.00 | deposit    |
        | -30.00 | withdrawal |
        | 0.50   | deposit    |

    Scenario: What was refused is not listed
      Given Alice has an account with 10.00
      When she withdraws 10.01
      Then her statement shows:
        | amount | what    |
        | 10.00  | deposit |

  Rule: The lines of a statement add up to the balance

    Scenario: After payments and transfers
      Given the customers have these accounts:
        | customer | balance |
        | Alice    | 50.00   |
        | Bob      | 5.00    |
      When Alice transfers 20.00 to Bob
      And Bob transfers 24.99 to Alice
      And Alice withdraws 0.98
      Then Alice's statement adds up to 54.01
      And Alice's balance is 54.01
      And Bob's statement adds up to 0.01
      And Bob's balance is 0.01

  Rule: A transfer stands on both statements

    Background:
      Given the customers have these accounts:
        | customer | balance |
        | Alice    | 50.00   |
        | Bob      | 5.00    |

    Scenario: An accepted transfer
      When Alice transfers 20.00 to Bob
      Then Alice's statement shows:
        | amount | what     |
        | 50.00  | deposit  |
        | -20.00 | transfer |
      And Bob's statement shows:
        | amount | what     |
        | 5.00   | deposit  |
        | 20.00  | transfer |
      And both statements name the same transfer

    Scenario: A rejected transfer stands on neither
      When Alice transfers 50.01 to Bob
      Then Alice's statement shows:
        | amount | what    |
        | 50.00  | deposit |
      And Bob's statement shows:
        | amount | what    |
        | 5.00   | deposit |

  @security
  Rule: Others may not look

    Background:
      Given Alice has an account with 50.00

    Scenario: Another customer
      Given Mallory has an account
      When Mallory looks at Alice's statement
      Then that is refused because it belongs to somebody else

    Scenario: Somebody who is not logged in
      When Alice logs out
      And Alice looks at her statement
      Then that is refused because nobody is logged in
