namespace Bank.Tests;

/// <summary>
/// The PostgreSQL of the whole test run: one of our own, or the one at <c>SEQUENT_TEST_POSTGRES</c> (a connection string without a
/// database, of a user that may create some).
/// </summary>
[SetUpFixture]
public sealed class SharedPostgres
{
    private static readonly Lock Lock = new();
    private static PostgresServer? _running;

    /// <summary>How to connect; the server is started by the first test that asks. The test is skipped if there is none.</summary>
    public static string Connection
    {
        get
        {
            if (Environment.GetEnvironmentVariable("SEQUENT_TEST_POSTGRES") is { Length: > 0 } given)
                return given;
            lock (Lock)
                return (_running ??= Start()).Connection;
        }
    }

    [OneTimeTearDown]
    public void Stop() => _running?.Dispose();

    private static PostgresServer Start()
    {
        var server = PostgresServer.Create();
        server.Start();
        return server;
    }
}
