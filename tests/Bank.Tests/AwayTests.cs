using Bank.ServiceDefaults;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Bank.Tests;

/// <summary>Which faults of a database mean "ask again" and which do not.</summary>
public class AwayTests
{
    private static IEnumerable<TestCaseData> Faults()
    {
        yield return new TestCaseData(new NpgsqlException("no answer", new IOException()), true).SetArgDisplayNames("a broken connection");
        yield return new TestCaseData(new PostgresException("", "", "", PostgresErrorCodes.AdminShutdown), true).SetArgDisplayNames("PostgreSQL stops");
        yield return new TestCaseData(new PostgresException("", "", "", PostgresErrorCodes.UndefinedTable), false).SetArgDisplayNames("no such table");
        yield return new TestCaseData(new SqliteException("busy", 5), true).SetArgDisplayNames("SQLITE_BUSY");
        yield return new TestCaseData(new SqliteException("locked", 6), true).SetArgDisplayNames("SQLITE_LOCKED");
        yield return new TestCaseData(new SqliteException("constraint", 19), false).SetArgDisplayNames("SQLITE_CONSTRAINT");
        yield return new TestCaseData(new InvalidOperationException("no database at all"), false).SetArgDisplayNames("no fault of a database");
    }

    [TestCaseSource(nameof(Faults))]
    public void A_database_is_away_however_deep_the_fault_is_wrapped(Exception fault, bool away)
    {
        var wrapped = new InvalidOperationException("transient", new DbUpdateException("not saved", fault));

        Assert.That((BankState.IsAway(fault), BankState.IsAway(wrapped)), Is.EqualTo((away, away)));
    }

    [Test]
    public async Task A_file_that_somebody_else_has_locked_is_503_before_the_caller_gives_up()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage.Sqlite);
        using var customer = await bank.NewCustomerAsync();
        Answer locked;
        await using (var somebody = new SqliteConnection(bank.StateOf("users")))
        {
            await somebody.OpenAsync();
            await using var writing = await somebody.BeginTransactionAsync();
            locked = await LogInAsync();
        }

        Assert.That((locked.Status, locked.Response.Headers.RetryAfter?.ToString(), (await LogInAsync()).Status), Is.EqualTo((503, "1", 200)));

        Task<Answer> LogInAsync() => customer.PostAsync(Part.Users, "/login", new { username = customer.Name, password = Customer.Password }).WaitAsync(TimeSpan.FromSeconds(10));
    }
}
