using Bank.Tests;

namespace EndToEnd;

/// <summary>Ends the PostgreSQL of the test run, if any test has asked for it.</summary>
[SetUpFixture]
public class SharedServer
{
    [OneTimeTearDown]
    public void Stop() => new SharedPostgres().Stop();
}
