using Bank.Users;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Bank.Tests;

/// <summary>Five wrong passwords lock a user out for five minutes, however they are sent.</summary>
[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
public class LockOutTests(Storage storage)
{
    private const string Wrong = "not the password";

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly CountingHasher _hasher = new();
    private BankUnderTest _bank = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _bank = new BankUnderTest(storage, services => services.AddSingleton<TimeProvider>(_clock).AddSingleton<IPasswordHasher<User>>(_hasher));
        await _bank.StartAsync(Part.Bus);
        await _bank.StartAsync(Part.Users);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _bank.DisposeAsync();

    [SetUp]
    public void CountFromZero() => _hasher.Verified = 0;

    [Test]
    public async Task After_five_wrong_passwords_the_right_one_is_worth_nothing_for_five_minutes()
    {
        using var customer = await _bank.NewCustomerAsync();
        var wrong = await LogInFiveTimesWronglyAsync(customer);
        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        var locked = await LogInAsync(customer, Customer.Password);
        _clock.Advance(TimeSpan.FromSeconds(2));
        var unlocked = await LogInAsync(customer, Customer.Password);

        Assert.That((wrong.Status, locked.Status, unlocked.Status), Is.EqualTo((401, 401, 200)));
        Assert.That(locked["detail"], Is.EqualTo(wrong["detail"]), "a stranger does not learn that it is locked");
        Assert.That((await customer.GetAsync(Part.Users, "/users/me")).Status, Is.EqualTo(200), "who is signed in stays it");
    }

    [Test]
    public async Task After_a_lock_out_and_after_a_login_counting_begins_anew()
    {
        using var customer = await _bank.NewCustomerAsync();
        await LogInFiveTimesWronglyAsync(customer);
        _clock.Advance(TimeSpan.FromMinutes(6));
        foreach (var _ in new[] { "after the lock-out", "after the login" })
        {
            for (var i = 0; i < 4; i++)
                await LogInAsync(customer, Wrong);

            Assert.That((await LogInAsync(customer, Customer.Password)).Status, Is.EqualTo(200));
        }

        await LogInFiveTimesWronglyAsync(customer);
        Assert.That((await LogInAsync(customer, Customer.Password)).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task A_burst_of_guesses_at_two_instances_verifies_five_and_locks_out()
    {
        using var customer = await _bank.NewCustomerAsync();
        await using var second = await _bank.StartSecondAsync(Part.Users);
        CountFromZero();

        var guesses = await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(_ => new[] { LogInAsync(customer, Wrong), LogInAsync(customer, Wrong, second.Address) }));
        var right = await LogInAsync(customer, Customer.Password);

        Assert.That(guesses.Append(right).Select(answer => answer.Status), Is.All.EqualTo(401));
        Assert.That(_hasher.Verified, Is.EqualTo(5));
    }

    [Test]
    public async Task A_burst_of_rightful_logins_locks_nobody_out()
    {
        using var customer = await _bank.NewCustomerAsync();
        for (var i = 0; i < 4; i++)
            await LogInAsync(customer, Wrong);

        var logins = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LogInAsync(customer, Customer.Password)));

        Assert.That(logins.Select(answer => answer.Status), Is.All.EqualTo(200));
    }

    private static async Task<Answer> LogInFiveTimesWronglyAsync(Customer customer)
    {
        for (var i = 0; i < 4; i++)
            await LogInAsync(customer, Wrong);
        return await LogInAsync(customer, Wrong);
    }

    private static Task<Answer> LogInAsync(Customer customer, string password, Uri? instance = null) =>
        customer.PostAsync(Part.Users, "/login", new { username = customer.Name, password }, at: instance);

    /// <summary>Counts the passwords of users that are verified, and not the hash that is spent on strangers.</summary>
    private sealed class CountingHasher : IPasswordHasher<User>
    {
        private readonly PasswordHasher<User> _hasher = new();
        private int _verified;

        public int Verified
        {
            get => _verified;
            set => _verified = value;
        }

        public string HashPassword(User user, string password) => _hasher.HashPassword(user, password);

        public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
        {
            if (hashedPassword == user?.PasswordHash)
                Interlocked.Increment(ref _verified);
            return _hasher.VerifyHashedPassword(user!, hashedPassword, providedPassword);
        }
    }
}
