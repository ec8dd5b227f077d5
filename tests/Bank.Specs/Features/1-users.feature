Feature: Users
  Whoever wants to bank here registers once, with a name and a password.

  Rule: A name belongs to whoever registers it first

    Scenario: A new customer
      When Alice registers
      Then that is accepted
      And Alice can log in

    Scenario: A name that is taken
      Given Alice is registered
      When somebody registers under Alice's name
      Then that is refused because the name is taken
      And Alice can log in

  Rule: A name is short and plain

    Scenario Outline: "<name>" can be a name
      When somebody registers as "<name>"
      Then that is accepted

      Examples:
        | name                             |
        | bob                              |
        | j.r.r-tolkien_2                  |
        | a-name-of-thirty-two-characters. |

    Scenario Outline: "<name>" cannot be a name
      When somebody registers as "<name>"
      Then the name is refused:
        """
        3 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter.
        """

      Examples: Its length
        | name                              |
        |                                   |
        | al                                |
        | a-name-of-thirty-three-characters |

      Examples: Its letters
        | name   |
        | Alice  |
        | al ice |
        | 4lice  |
        | élise  |

  Rule: A password is long, and not one letter again and again

    Scenario Outline: "<password>" can be a password
      When Alice registers with the password "<password>"
      Then that is accepted

      Examples:
        | password                     |
        | 8 chars!                     |
        | correct horse battery staple |

    Scenario Outline: "<password>" cannot be a password
      When Alice registers with the password "<password>"
      Then the password is refused:
        """
        8 to 128 characters, at least 4 different ones.
        """

      Examples:
        | password     |
        |              |
        | 7 chars      |
        | aaaabbbbcccc |

  Rule: Only the right password lets one in

    Scenario: A wrong password
      Given Alice is registered
      When she tries to log in with a wrong password
      Then that is refused because name or password is wrong

    Scenario: A stranger is told no more than that
      When somebody tries to log in as "who.is.this"
      Then that is refused because name or password is wrong

  @security
  Rule: Five wrong passwords lock a customer out for five minutes

    Background:
      Given Alice is registered

    Scenario: Four are forgiven
      When she tries to log in with a wrong password 4 times
      Then Alice can log in

    Scenario: After the fifth, not even the right password is good
      When she tries to log in with a wrong password 5 times
      Then Alice cannot log in, because name or password is wrong

    Scenario: After five minutes the right password is good again
      Given she tries to log in with a wrong password 5 times
      When 5 minutes pass
      Then Alice can log in

    Scenario: Others are not locked out with her
      Given Bob is registered
      When she tries to log in with a wrong password 5 times
      Then Bob can log in

  Rule: Customers can look at their own profile

    Scenario: Who I am
      Given Alice is logged in
      When she looks at her profile
      Then the profile shows her name and no account

    Scenario: What I have
      Given Alice has an account
      When she looks at her profile
      Then the profile shows her name and account
