using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

/// <summary>Names and passwords. Identity hashes, checks the rules, counts failures and locks out.</summary>
internal sealed partial class Credentials(UserManager<User> users, UsersDb db)
{
    public const string UsernameRule = "3 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter.";
    public const string PasswordRule = "8 to 128 characters, at least 4 different ones.";

    private const int MaxPasswordLength = 128;

    /// <summary>Guesses made at once may not count as one.</summary>
    private const int MaxCountAttempts = 10;

    // Checked when there is no such user, so that an unknown name takes as long as a wrong password.
    private static readonly string NobodysHash = new PasswordHasher<User>().HashPassword(null!, Guid.NewGuid().ToString());

    public static void Configure(IdentityOptions options)
    {
        // Length is what counts; a digit that everybody appends does not.
        (options.Password.RequiredLength, options.Password.RequiredUniqueChars) = (8, 4);
        options.Password.RequireDigit = options.Password.RequireLowercase = options.Password.RequireUppercase = options.Password.RequireNonAlphanumeric = false;
        (options.Lockout.MaxFailedAccessAttempts, options.Lockout.DefaultLockoutTimeSpan) = (5, TimeSpan.FromMinutes(5));
    }

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
    public async Task<bool> AreRightAsync(string username, string password)
    {
        var user = await users.FindByNameAsync(username);
        if (user is null || await users.IsLockedOutAsync(user))
        {
            users.PasswordHasher.VerifyHashedPassword(user!, NobodysHash, password);
            return false;
        }

        if (!await users.CheckPasswordAsync(user, password))
        {
            await CountFailureAsync(user);
            return false;
        }

        if (user.AccessFailedCount > 0)
            await users.ResetAccessFailedCountAsync(user);
        return true;
    }

    private async Task CountFailureAsync(User user)
    {
        for (var attempt = 0; attempt < MaxCountAttempts && !(await users.AccessFailedAsync(user)).Succeeded; attempt++)
            await db.Entry(user).ReloadAsync();
    }

    [GeneratedRegex(@"^[a-z][a-z0-9._-]{2,31}\z")]
    private static partial Regex Usernames();
}
