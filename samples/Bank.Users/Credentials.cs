using System.Text.RegularExpressions;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

/// <summary>Names and passwords. Identity hashes, checks the rules, and keeps the failures and the lock-out in its columns.</summary>
internal sealed partial class Credentials(UserManager<User> users, UsersDb db, PartitionedRateLimiter<string> turns, TimeProvider time)
{
    public const string UsernameRule = "3 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter.";
    public const string PasswordRule = "8 to 128 characters, at least 4 different ones.";

    private const int MaxPasswordLength = 128;

    private const int MaxFailures = 5;

    private static readonly TimeSpan LockedOutFor = TimeSpan.FromMinutes(5);

    // Checked when there is no such user, so that an unknown name takes as long as a wrong password.
    private static readonly string NobodysHash = new PasswordHasher<User>().HashPassword(null!, Guid.NewGuid().ToString());

    public static void Configure(IdentityOptions options)
    {
        // Length is what counts; a digit that everybody appends does not.
        (options.Password.RequiredLength, options.Password.RequiredUniqueChars) = (8, 4);
        options.Password.RequireDigit = options.Password.RequireLowercase = options.Password.RequireUppercase = options.Password.RequireNonAlphanumeric = false;
    }

    /// <summary>
    /// Within an instance one user's logins take turns. Attempts count before they are verified, so more rightful logins at once than
    /// there are attempts left would lock their user out; in turn, each has given its attempt back before the next one takes it.
    /// Instances that share a database do not wait for each other: a burst spread over several of them soon after failures may be refused.
    /// A turn is waited for no longer than the request may take.
    /// </summary>
    public static PartitionedRateLimiter<string> CreateTurns() => PartitionedRateLimiter.Create<string, string>(
        username => RateLimitPartition.GetConcurrencyLimiter(username, _ => new() { PermitLimit = 1, QueueLimit = int.MaxValue }));

    /// <summary>The field that breaks its rule, and the rule; null if none does.</summary>
    public async Task<(string Field, string Rule)?> FaultAsync(string? username, string? password)
    {
        if (username is null || !Usernames().IsMatch(username))
            return ("username", UsernameRule);
        if (password is null or { Length: > MaxPasswordLength })
            return ("password", PasswordRule);
        foreach (var validator in users.PasswordValidators)
        {
            if (!(await validator.ValidateAsync(users, new User { UserName = username }, password)).Succeeded)
                return ("password", PasswordRule);
        }

        return null;
    }

    /// <summary>False if the name is taken.</summary>
    public async Task<bool> RegisterAsync(string username, string password)
    {
        try
        {
            return (await users.CreateAsync(new User { UserName = username }, password)).Succeeded;
        }
        catch (DbUpdateException) when (db.Users.AsNoTracking().Any(other => other.UserName == username))
        {
            return false; // somebody else took it just now
        }
    }

    /// <summary>False also while the user is locked out, whatever the password is.</summary>
    public async Task<bool> AreRightAsync(string username, string password, CancellationToken cancellationToken)
    {
        using (await turns.AcquireAsync(username, 1, cancellationToken))
        {
            if (await users.FindByNameAsync(username) is { } user && await TakeAttemptAsync(user))
            {
                var right = await users.CheckPasswordAsync(user, password);
                if (right)
                    await ForgetAttemptsAsync(user);
                return right;
            }
        }

        users.PasswordHasher.VerifyHashedPassword(null!, NobodysHash, password);
        return false;
    }

    /// <summary>
    /// Counts the attempt as a failure before the password is looked at: guesses made at once, at any number of instances, are no more
    /// guesses than those made one after the other. False if the user is locked out. As Identity does it, the last failure locks out and
    /// begins a new count.
    /// </summary>
    private async Task<bool> TakeAttemptAsync(User user)
    {
        var now = time.GetUtcNow();
        if (user.LockoutEnd > now)
            return false;
        var lockedOut = now + LockedOutFor;
        // Not the lock-out that was read any more? Then others have taken the last attempts since.
        return await db.Users.Where(row => row.Id == user.Id && row.LockoutEnd == user.LockoutEnd).ExecuteUpdateAsync(set => set
            .SetProperty(row => row.LockoutEnd, row => row.AccessFailedCount + 1 < MaxFailures ? row.LockoutEnd : lockedOut)
            .SetProperty(row => row.AccessFailedCount, row => row.AccessFailedCount + 1 < MaxFailures ? row.AccessFailedCount + 1 : 0)) == 1;
    }

    private Task<int> ForgetAttemptsAsync(User user) => db.Users.Where(row => row.Id == user.Id).ExecuteUpdateAsync(set => set
        .SetProperty(row => row.LockoutEnd, (DateTimeOffset?)null).SetProperty(row => row.AccessFailedCount, 0));

    [GeneratedRegex(@"^[a-z][a-z0-9._-]{2,31}\z")]
    private static partial Regex Usernames();
}
