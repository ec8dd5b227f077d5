namespace Bank.Tests;

/// <summary>Tests against one bank that is up all the time: once with SQLite, once with PostgreSQL.</summary>
[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
public abstract class BankTests(Storage storage)
{
    private protected BankUnderTest Bank { get; private set; } = null!;

    protected Storage Storage => storage;

    [OneTimeSetUp]
    public async Task StartAsync() => Bank = await BankUnderTest.StartAsync(storage);

    [OneTimeTearDown]
    public async Task StopAsync() => await Bank.DisposeAsync();
}
